// Functions of PostgreSQL that are STABLE and still safe: what they return depends on their arguments and on settings
// that are part of the key (TimeZone, DateStyle, search_path, …), or that nobody can change without DDL. Clocks,
// identities of the session, statistics and whatever looks at the catalogue are not here.

const names = `
  age array_in array_out array_recv array_send array_to_json array_to_string cash_in cash_out concat concat_ws convert
  convert_from convert_to current_database current_schema current_schemas current_setting current_user date date_add
  date_cmp_timestamptz date_eq_timestamptz date_ge_timestamptz date_gt_timestamptz date_in date_le_timestamptz
  date_lt_timestamptz date_ne_timestamptz date_out date_part date_subtract date_trunc enum_first enum_in enum_last
  enum_out enum_range extract format generate_series get_current_ts_config getdatabaseencoding in_range interval_in
  interval_out interval_pl_timestamptz json_agg json_agg_strict json_build_array json_build_object json_object_agg
  json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict json_populate_record
  json_populate_recordset json_to_record json_to_recordset json_to_tsvector jsonb_agg jsonb_agg_strict
  jsonb_build_array jsonb_build_object jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique
  jsonb_object_agg_unique_strict jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_array_tz
  jsonb_path_query_first_tz jsonb_path_query_tz jsonb_populate_record jsonb_populate_record_valid
  jsonb_populate_recordset jsonb_to_record jsonb_to_recordset jsonb_to_tsvector length make_timestamptz money numeric
  overlaps pg_client_encoding pg_collation_for pg_input_error_info pg_input_is_valid pg_typeof phraseto_tsquery
  plainto_tsquery quote_literal quote_nullable range_in range_out record_in record_out row_to_json session_user
  textanycat anytextcat timestamp timestamp_cmp_timestamptz timestamp_eq_timestamptz timestamp_ge_timestamptz
  timestamp_gt_timestamptz timestamp_in timestamp_le_timestamptz timestamp_lt_timestamptz timestamp_ne_timestamptz
  timestamp_out timestamptz timestamptz_cmp_date timestamptz_cmp_timestamp timestamptz_eq_date timestamptz_eq_timestamp
  timestamptz_ge_date timestamptz_ge_timestamp timestamptz_gt_date timestamptz_gt_timestamp timestamptz_in
  timestamptz_le_date timestamptz_le_timestamp timestamptz_lt_date timestamptz_lt_timestamp timestamptz_mi_interval
  timestamptz_ne_date timestamptz_ne_timestamp timestamptz_out timestamptz_pl_interval timezone to_char to_date to_json
  to_jsonb to_number to_timestamp to_tsquery to_tsvector ts_debug ts_headline ts_match_tq ts_match_tt ts_parse
  ts_token_type version websearch_to_tsquery xml xml_is_well_formed`;

export const safeStableFunctions: ReadonlySet<string> = new Set(names.trim().split(/\s+/));

/** VOLATILE functions of PostgreSQL that run a query given as text, which may write anything. */
export const queryRunners: ReadonlySet<string> = new Set([
  'cursor_to_xml',
  'query_to_xml',
  'query_to_xml_and_xmlschema',
  'query_to_xmlschema',
  'ts_rewrite',
  'ts_stat',
]);
