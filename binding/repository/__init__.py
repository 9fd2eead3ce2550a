"""Queries. Every one that a customer's request reaches demands the owner."""
