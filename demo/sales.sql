-- SPDX-License-Identifier: GPL-2.0-only
--
-- 100,000 sales of 40 shops, the same each time.

CREATE TABLE sale (
	id	INTEGER PRIMARY KEY,
	shop	TEXT NOT NULL,
	item	INTEGER NOT NULL,
	pieces	INTEGER NOT NULL,
	cents	INTEGER NOT NULL
);

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
INSERT INTO sale
SELECT i, 'shop ' || (i * 7919 % 40), i * 104729 % 1000, 1 + i * 31 % 9,
	100 + i * 7907 % 9900
FROM n;
