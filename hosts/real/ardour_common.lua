-- What the Ardour scripts share.

local shared = {}

-- Stems in the order of the plugin's outputs after the two of the main output.
shared.STEMS = { "Guitar", "Drums", "Strings", "Bass" }
local UI = ARDOUR.TransportRequestSource.TRS_UI
local NO_GROUP = PBD.GroupControlDisposition.NoGroup

-- The dummy backend at a speed, such as "Normal Speed".
function shared.engine(speed, rate)
  local backend = AudioEngine:set_backend("None (Dummy)", "", "")
  assert(backend, "there is no dummy backend")
  assert(backend:set_driver(speed) == 0, "there is no speed " .. speed)
  backend:set_device_name("Silence")
  backend:set_sample_rate(rate)
  backend:set_buffer_size(1024)
end

function shared.route(session, name)
  local route = session:route_by_name(name)
  assert(not route:isnil(), "there is no track " .. name)
  return route
end

function shared.arm(session, name, is_armed)
  local track = shared.route(session, name):to_track()
  track:rec_enable_control():set_value(is_armed and 1 or 0, NO_GROUP)
end

-- Waits for a condition, at most so many seconds.
function shared.wait(seconds, what, condition)
  local from = ARDOUR.LuaAPI.monotonic_time()
  while not condition() do
    assert(ARDOUR.LuaAPI.monotonic_time() - from < seconds * 1e6, "waited in vain: " .. what)
    ARDOUR.LuaAPI.usleep(10000)
  end
end

-- Lets the transport roll from a sample to a sample.
function shared.roll(session, from, to, does_record)
  session:request_locate(from, false, ARDOUR.LocateTransportDisposition.MustStop, UI)
  shared.wait(20, "locating", function()
    return session:transport_stopped() and session:transport_sample() == from
  end)
  ARDOUR.LuaAPI.usleep(500000)
  if does_record then
    session:maybe_enable_record(false)
  end
  session:request_roll(UI)
  local seconds = (to - from) / session:nominal_sample_rate()
  shared.wait(2 * seconds + 20, "rolling", function() return session:transport_sample() >= to end)
  session:request_stop(false, false, UI)
  shared.wait(20, "stopping", function() return session:transport_stopped() end)
  ARDOUR.LuaAPI.usleep(1000000)
  if does_record then
    session:disable_record(false, false)
  end
end

-- The number of the plugin's parameter of a name, as Ardour counts them.
function shared.parameter(insert, name)
  local plugin = insert:to_insert():plugin(0)
  local number = 0
  for index = 0, plugin:parameter_count() - 1 do
    if plugin:parameter_is_control(index) and plugin:parameter_is_input(index) then
      if plugin:parameter_label(index) == name then
        return number
      end
      number = number + 1
    end
  end
  error("the plugin has no parameter " .. name)
end

function shared.set(insert, name, value)
  local number = shared.parameter(insert, name)
  assert(ARDOUR.LuaAPI.set_processor_param(insert, number, value), name .. " cannot be set")
end

function shared.get(insert, name)
  local value, is_well = ARDOUR.LuaAPI.get_processor_param(insert, shared.parameter(insert, name))
  assert(is_well, name .. " cannot be read")
  return value
end

return shared
