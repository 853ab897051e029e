-- Opens the session and records stems and notes in real time while the plugin plays its song. In the first run the
-- plugin captures the voice before that; after the second one the host leads, with another tempo and metre, and the
-- session is saved once more.
-- Arguments: folder of the session, folder of the scripts, sample rate, length of the voice, where it begins, "first" or
-- "again", seconds after the voice.

local folder, scripts, rate, length, from, run, tail = table.unpack(arg)
rate, length, from, tail = tonumber(rate), tonumber(length), tonumber(from), tonumber(tail)
local shared = dofile(scripts .. "/ardour_common.lua")
shared.engine("Normal Speed", rate)
local session = load_session(folder, "session")
assert(session, "the session does not open")
local insert = shared.route(session, "Voice"):nth_plugin(0)
assert(not insert:isnil(), "the session has lost the plugin")

if run == "first" then
  shared.set(insert, "Mode", 1)
  shared.set(insert, "Capture", 1)
  shared.roll(session, from, from + length, false)
  shared.set(insert, "Capture", 0)
  -- The take becomes a song.
  ARDOUR.LuaAPI.usleep(8000000)
end
print("mode", shared.get(insert, "Mode"))
print("latency", insert:to_insert():signal_latency())
local names = { "Guitar", "Drums", "Strings", "Bass", "Notes" }
for _, name in ipairs(names) do
  shared.arm(session, name, true)
end
session:reset_xrun_count()
shared.roll(session, 0, from + length + tail, true)
print("xruns", session:get_xrun_count())
for _, name in ipairs(names) do
  shared.arm(session, name, false)
end
session:save_state("", false, false, false, false, false)

if run == "again" then
  local map = Temporal.TempoMap.fetch_writable()
  map:set_tempo(Temporal.Tempo(100, 100, 4), Temporal.timepos_t(0))
  map:set_meter(Temporal.Meter(3, 4), Temporal.timepos_t(0))
  Temporal.TempoMap.update(map)
  map = nil
  shared.set(insert, "Lead", 1)
  shared.roll(session, 0, 2 * rate, false)
  ARDOUR.LuaAPI.usleep(4000000)
  session:save_state("", false, false, false, false, false)
end
close_session()
quit()
