-- +goose Up
-- groups_of lists the groups that a resource is in, as JSON, [rid, id, display,
-- 1 if directly or else 0] each: those that a source asserts, or of the
-- resolved view if it is 0. Most groups are in no other, and a query without
-- recursion is ten times as fast.
-- +goose StatementBegin
CREATE FUNCTION groups_of(resource bigint, in_tenant bigint, of_source bigint) RETURNS text
	LANGUAGE plpgsql STABLE SET plan_cache_mode = force_generic_plan AS $$
BEGIN
	IF NOT EXISTS (SELECT 1 FROM members m CROSS JOIN LATERAL (SELECT * FROM members WHERE member = m.grp OFFSET 0) n WHERE m.member = resource) THEN
		RETURN COALESCE((
			SELECT json_agg(json_build_array(g.rid, g.id, g.display, 1))::text
			FROM members m CROSS JOIN LATERAL (SELECT * FROM resources WHERE rid = m.grp OFFSET 0) g
			WHERE m.member = resource AND g.tenant = in_tenant
				AND m.source = CASE of_source WHEN 0 THEN g.authority ELSE of_source END
				AND CASE of_source WHEN 0 THEN g.state ELSE (SELECT h.state FROM links h WHERE h.rid = g.rid AND h.source = of_source) END <= 2
		), '');
	END IF;
	-- UNION drops what is there already, so a circle of groups comes to an end.
	RETURN COALESCE((
		WITH RECURSIVE up(grp, direct) AS (
			SELECT m.grp, 1
			FROM members m CROSS JOIN LATERAL (SELECT * FROM resources WHERE rid = m.grp OFFSET 0) g
			WHERE m.member = resource AND g.tenant = in_tenant
				AND m.source = CASE of_source WHEN 0 THEN g.authority ELSE of_source END
				AND CASE of_source WHEN 0 THEN g.state ELSE (SELECT h.state FROM links h WHERE h.rid = g.rid AND h.source = of_source) END <= 2
			UNION
			SELECT m.grp, 0
			FROM up CROSS JOIN LATERAL (SELECT * FROM members WHERE member = up.grp OFFSET 0) m
				CROSS JOIN LATERAL (SELECT * FROM resources WHERE rid = m.grp OFFSET 0) g
			WHERE g.tenant = in_tenant
				AND m.source = CASE of_source WHEN 0 THEN g.authority ELSE of_source END
				AND CASE of_source WHEN 0 THEN g.state ELSE (SELECT h.state FROM links h WHERE h.rid = g.rid AND h.source = of_source) END <= 2
		)
		SELECT json_agg(json_build_array(g.rid, g.id, g.display, u.direct))::text
		FROM (SELECT grp, MAX(direct) AS direct FROM up WHERE grp <> resource GROUP BY grp) u
			CROSS JOIN LATERAL (SELECT * FROM resources WHERE rid = u.grp OFFSET 0) g
	), '');
END
$$;
-- +goose StatementEnd
