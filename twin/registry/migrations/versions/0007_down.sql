DROP TABLE twin.ownership;
DROP TABLE twin.source;
