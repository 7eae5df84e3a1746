"""The commands of `search`, a module each: `add(commands)` declares it, `run(chosen, settings)` does it."""
