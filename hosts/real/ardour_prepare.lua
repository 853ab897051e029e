-- A new session: a track for the voice with the plugin on it, a track for every stem, one for the notes. Records
-- silence on the voice's track, which the driver then replaces by the voice.
-- Arguments: folder of the session, folder of the scripts, sample rate, length of the voice and where it begins.

local folder, scripts, rate, length, from = table.unpack(arg)
rate, length, from = tonumber(rate), tonumber(length), tonumber(from)
local shared = dofile(scripts .. "/ardour_common.lua")
shared.engine("50x Speed", rate)
local session = create_session(folder, "session", rate)
assert(session, "no session could be made")

local LAST, NORMAL = ARDOUR.PresentationInfo.max_order, ARDOUR.TrackMode.Normal
local function track(name)
  return session:new_audio_track(2, 2, nil, 1, name, LAST, NORMAL, true):front()
end
local voice = track("Voice")
shared.arm(session, "Voice", true)
shared.roll(session, from, from + length + rate, true)
shared.arm(session, "Voice", false)

local insert = ARDOUR.LuaAPI.new_plugin(session, "Collavoce", ARDOUR.PluginType.VST3, "")
assert(not insert:isnil(), "Ardour does not find the plugin")
assert(voice:add_processor_by_index(insert, 0, nil, true) == 0, "the plugin cannot be put on the track")
-- Ten channels in a panner would be mixed.
voice:panner_shell():set_bypassed(true)
local outputs = voice:output():n_ports()
print("outputs", outputs:n_audio(), outputs:n_midi())
local none = ARDOUR.ChanCount(ARDOUR.DataType("midi"), 1)
local notes = session:new_midi_track(none, none, true, ARDOUR.PluginInfo(), nil, nil, 1, "Notes", LAST, NORMAL, true):front()
for _, name in ipairs(shared.STEMS) do
  track(name)
end
-- Ardour connects new tracks with the sound card by itself, a little later: they would record with its latency.
ARDOUR.LuaAPI.usleep(2000000)
for index, name in ipairs(shared.STEMS) do
  local input = shared.route(session, name):input()
  for side = 0, 1 do
    input:audio(side):disconnect_all()
    assert(voice:output():audio(2 * index + side):connect(input:audio(side):name()) == 0, name .. " is not connected")
  end
end
notes:input():midi(0):disconnect_all()
assert(voice:output():midi(0):connect(notes:input():midi(0):name()) == 0, "the notes are not connected")
session:save_state("", false, false, false, false, false)
close_session()
quit()
