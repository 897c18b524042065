"""The assistant that acts: dialogue, tickets, letters and Telegram."""
