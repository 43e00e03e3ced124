-- The dataset under the number that its rows have already; it keeps naming its source where the load does not.
INSERT INTO twin.dataset (id, name, attribution) OVERRIDING SYSTEM VALUE
VALUES (%(dataset_id)s, %(dataset)s, %(attribution)s)
ON CONFLICT (name) DO UPDATE SET attribution = coalesce(excluded.attribution, dataset.attribution)
