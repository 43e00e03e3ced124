-- The dataset, new or known; it keeps naming its source where the load does not say whom.
INSERT INTO twin.dataset (name, attribution) VALUES (%(dataset)s, %(attribution)s)
ON CONFLICT (name) DO UPDATE SET attribution = coalesce(excluded.attribution, dataset.attribution)
RETURNING id
