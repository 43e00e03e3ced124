-- How the undoing of a load stands.
SELECT state, receipt, problem, changed_at FROM api.undoing WHERE load_id = %(id)s
