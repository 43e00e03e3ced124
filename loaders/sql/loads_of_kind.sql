-- How many loads of the kind are registered, each as often as it has batches.
SELECT coalesce(sum(cardinality(moments)), 0) FROM twin.load WHERE kind = %(kind)s
