"""A worker process that opens and makes AS2 messages: started by the daemon, never by hand."""

from gateway.endpoints.as2.apart import answer
from gateway.workers.serve import serve

if __name__ == "__main__":
    serve(answer)
