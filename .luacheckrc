-- For the scripts as Redis runs them: see scripts/check-lua.mjs.
std = "lua51"
read_globals = { "redis", "cjson", "KEYS", "ARGV" }
max_line_length = 120
-- Names that keys.ts has and no script uses.
ignore = { "211/PROCESSES", "211/CANARY", "211/SESSION", "211/SESSIONS", "211/LAYOUT" }
