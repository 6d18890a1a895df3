"""HTTP servers: this package listens and limits clients; the users of it decide what is answered.

listen_address      address to listen at, as settings write it
listener            accepts connections, within limits in total and per peer
connection          one connection: time for the headers of a request
http_protocol       aiohttp's protocol, which counts requests that are no HTTP
"""
