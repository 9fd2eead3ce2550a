"""The desk: people who take over talks. Sign-in, ownership, messages, audit; what they may do is decided here."""
