"""The index as other programs know such things: an MCP server, an Ollama, an OpenAI. A module each."""
