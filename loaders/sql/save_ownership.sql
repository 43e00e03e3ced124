-- The fields that the dataset owns.
INSERT INTO twin.ownership (dataset_id, kind, fields)
VALUES (%(dataset_id)s, %(kind)s, %(owns)s)
ON CONFLICT (dataset_id, kind) DO UPDATE SET fields = excluded.fields
