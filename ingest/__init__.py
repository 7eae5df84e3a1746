"""The writing side: folder to documents to chunks to the store."""
