"""Messaging apps. Each adapter reads its platform's deliveries and writes its platform's messages; nothing else."""
