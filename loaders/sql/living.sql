-- How many of the dataset's assets of the kind are not retired.
SELECT count(*) FROM twin.asset WHERE kind = %(kind)s AND dataset_id = %(dataset_id)s AND status <> 'retired'
