"""Template packs: standards and demonstrations as data, each fact with its source."""
