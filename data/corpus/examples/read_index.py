"""Read an index of semsearch without semsearch: the tables are documented and stable.

    python read_index.py index.db

Prints the documents with their numbers of passages, and then the two passages whose vectors are most alike.
Opens the file read-only, so it is safe to run while an ingest is writing.
"""

import sqlite3
import sys

import numpy as np


def documents(connection):
    """(path, number of passages) for each document, in order of path."""
    return connection.execute(
        "SELECT documents.path, count(spans.chunk) FROM documents"
        " LEFT JOIN spans ON spans.document = documents.id GROUP BY documents.id ORDER BY documents.path"
    ).fetchall()


def vectors(connection):
    """Chunk ids, and their vectors in the active space as a matrix with one row each."""
    rows = connection.execute(
        "SELECT chunk, vector FROM vectors JOIN spaces ON spaces.id = space WHERE active ORDER BY chunk"
    ).fetchall()
    return [chunk for chunk, _ in rows], np.stack([np.frombuffer(blob, dtype="<f4") for _, blob in rows])


def most_alike(matrix):
    """Positions of the two rows with the highest cosine; all rows have length 1, so it is a dot product."""
    similarities = matrix @ matrix.T
    np.fill_diagonal(similarities, -1)
    return np.unravel_index(similarities.argmax(), similarities.shape)


def main():
    connection = sqlite3.connect(f"file:{sys.argv[1]}?mode=ro", uri=True)
    for path, passages in documents(connection):
        print(f"{passages:5}  {path}")
    chunks, matrix = vectors(connection)
    for position in most_alike(matrix):
        (text,) = connection.execute("SELECT text FROM chunks WHERE id = ?", [chunks[position]]).fetchone()
        print("\n" + text)


if __name__ == "__main__":
    main()
