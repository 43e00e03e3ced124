DROP VIEW api.source;
DROP TABLE twin.ownership;
DROP TABLE twin.source;
