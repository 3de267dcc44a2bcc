-- Asks for the addresses of a file in turn, from a place given, and reports what came of it.
local addresses, place = {}, 0

function init(arguments)
  for line in io.lines(arguments[1]) do
    addresses[#addresses + 1] = wrk.format("GET", line, {["Accept"] = arguments[2], ["Host"] = "127.0.0.1"})
  end
  place = tonumber(arguments[3])
end

function request()
  place = place + 1
  return addresses[place % #addresses + 1]
end

function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format('{"requests": %d, "seconds": %f, "failed": %d, "p99": %f}\n',
    summary.requests, summary.duration / 1e6, failed, latency:percentile(99) / 1e6))
end
