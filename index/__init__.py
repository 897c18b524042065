"""Text in, clause or intent out; knows nothing of the bot."""
