-- How many findings there are of each reason.
SELECT reason, count(*) FROM {findings} WHERE rejected = %(rejected)s GROUP BY reason
