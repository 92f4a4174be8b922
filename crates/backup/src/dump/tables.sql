SELECT n.nspname,
       c.relname,
       pg_get_userbyid(c.relowner),
       pg_relation_size(c.oid),
       (SELECT coalesce(json_agg(i.relname ORDER BY i.relname)::text, '[]')
        FROM pg_index x
        JOIN pg_class i ON i.oid = x.indexrelid
        WHERE x.indrelid = c.oid),
       (SELECT coalesce(json_agg(json_build_array(sn.nspname, s.relname) ORDER BY s.relname)::text, '[]')
        FROM pg_depend d
        JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S'
        JOIN pg_namespace sn ON sn.oid = s.relnamespace
        WHERE d.classid = 'pg_class'::regclass
          AND d.refclassid = 'pg_class'::regclass
          AND d.refobjid = c.oid
          AND d.deptype IN ('a', 'i'))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p')
  AND c.relpersistence IN ('p', 'u')
  AND n.nspname <> 'information_schema'
  AND n.nspname NOT LIKE 'pg\_%'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 4, 1, 2
