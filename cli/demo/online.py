"""Through the services: a citizen claims, an employer asks, consent, fetch, renewal, withdrawal."""
