"""The endpoint: prompts, client, ledger."""
