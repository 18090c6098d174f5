"""Kafka: the client, its topics, producers and the state topic."""
