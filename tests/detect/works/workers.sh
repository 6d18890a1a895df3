# Worker processes of Python that serve connections.

cat > serve.py <<'END'
import multiprocessing, socket, sys


def worker(server, ready):
    server.listen()
    ready.set()
    server.accept()[0].close()


if __name__ == "__main__":
    for method in ("spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        server = socket.create_server(("127.0.0.1", 0))
        ready = context.Event()
        process = context.Process(target=worker, args=(server, ready))
        process.start()
        ready.wait()
        socket.create_connection(server.getsockname()).close()
        process.join()
        with context.Manager() as manager:
            manager.dict()["x"] = 1
    sys.exit(process.exitcode)
END
"$PYTHON" serve.py
