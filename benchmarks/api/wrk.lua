-- wrk's part of wrk.py: sends prepared requests in turn from a place of its own, and looks at every answer.
-- Arguments: the file of requests, each with its length before it, how whole answers begin and end, and the seconds
-- from and until which answers count: under way by then and still under way in the end are as many.
local ffi = require("ffi")
ffi.cdef("typedef struct { long s; long ns; } moment; int clock_gettime(int, moment *);")
local MONOTONIC, moment = 1, ffi.new("moment[1]")
local requests, begin, ending, nth, start = {}, "", "", 0, nil
local from, to = 0, 0
counted, failed, sample = 0, 0, ""

local function now()
   ffi.C.clock_gettime(MONOTONIC, moment)
   return tonumber(moment[0].s) + tonumber(moment[0].ns) / 1e9
end

function setup(thread)
   worker = thread
end

function init(args)
   local file = assert(io.open(args[1], "rb"))
   begin, ending = args[2], args[3]
   from, to = tonumber(args[4]), tonumber(args[5])
   while true do
      local length = file:read("*l")
      if not length then break end
      requests[#requests + 1] = file:read(tonumber(length))
   end
   file:close()
   math.randomseed(os.time())
   nth = math.random(#requests)
end

function request()
   start = start or now()
   nth = nth % #requests + 1
   return requests[nth]
end

function response(status, headers, body)
   local since = now() - start
   if since >= from and since < to then
      counted = counted + 1
   end
   if status ~= 200 or body:sub(1, #begin) ~= begin or body:sub(-#ending) ~= ending then
      failed = failed + 1
      sample = status .. " " .. body:sub(1, 300)
   end
end

function done(summary, latency, requests)
   local e = summary.errors
   print(string.format(
      "result %d %d %d %d %s",
      worker:get("counted"), latency:percentile(50), latency:percentile(99),
      worker:get("failed") + e.connect + e.read + e.write + e.timeout, worker:get("sample")
   ))
end
