"""The web: pages for people, the way to GraphQL, health for machines."""
