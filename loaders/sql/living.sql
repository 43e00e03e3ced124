-- How many of the dataset's assets of the kind are not retired, and how many it is linked to.
SELECT
    (SELECT count(*) FROM twin.asset WHERE kind = %(kind)s AND dataset_id = %(dataset_id)s AND status <> 'retired')
    + (SELECT count(*) FROM twin.source WHERE kind = %(kind)s AND dataset_id = %(dataset_id)s AND recorded_to IS NULL)
