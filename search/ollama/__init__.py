"""The client of the Ollama REST API."""
