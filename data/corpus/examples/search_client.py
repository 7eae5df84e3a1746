"""Ask a running semsearch from Python. Needs nothing but the standard library.

Start the service first with `search serve data/corpus`, then run

    python search_client.py "YOUR QUESTION"

The first function gets search results, the second one streams an answer.
"""

import json
import sys
import urllib.request

SERVICE = "http://127.0.0.1:8000"


def search(query, k=5, mode="hybrid", path=None):
    """The hits of POST /search as a list of dictionaries, best first.

    `path` is a pattern over document paths, such as "reference/*"; None searches everywhere.
    """
    return post("/search", {"query": query, "k": k, "mode": mode, "path": path})["hits"]


def ask(question):
    """Yields the lines of a streamed answer from POST /ask, each one a dictionary.

    A line with the key "error" is the last one: the answer could not be finished.
    """
    with send("/ask", {"question": question, "stream": True}) as response:
        for line in response:
            yield json.loads(line)


def post(route, body):
    with send(route, body) as response:
        return json.load(response)


def send(route, body):
    request = urllib.request.Request(
        SERVICE + route,
        data=json.dumps(body).encode("utf-8"),
        headers={"Content-Type": "application/json"},
    )
    # Loading a large model can take minutes, so the time limit is generous.
    return urllib.request.urlopen(request, timeout=600)


if __name__ == "__main__":
    for hit in search(sys.argv[1]):
        print(hit["rank"], hit["document"]["path"], " > ".join(hit["chunk"]["heading"]))
    for event in ask(sys.argv[1]):
        print(event)
