-- A dataset that was not known.
INSERT INTO twin.dataset (name) VALUES (%(dataset)s) RETURNING id
