"""Serving HTTP: what listens and bounds its clients; who serves says what is answered.

listen_address      where to listen, as settings write it
listener            accepts connections, within limits in total and per peer
connection          one of them: time for the headers of a request
http_protocol       aiohttp's protocol, which counts requests that are no HTTP
"""
