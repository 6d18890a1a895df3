"""HTTP servers: this package listens and limits clients; the users of it decide what is answered.

listen_address      address to listen at, as settings write it
listener            accepts connections, within limits in total and per peer
connection          one connection: time for the headers of a request
http_protocol       aiohttp's protocol, which counts requests that are no HTTP
receiver_settings   settings of a source that receives
bind_privilege      capability for a port that is reserved for the system
receiver            authorizes, limits, reads, and responds once what was sent is safe
request_queue       requests that are pending, in flight, acknowledged
allowance           rate and quota of a token
"""
