-- Posts acts of consent as browsers do: every act has an id of its own, in time order, and a visitor of its own.
local thread_number = 0
function setup(thread)
  thread:set("number", thread_number)
  thread_number = thread_number + 1
end

local notice = os.getenv("NOTICE")
local yes = '"preferences":true,"statistics":true,"marketing":true'
local no = '"preferences":false,"statistics":false,"marketing":false'
local custom = '"preferences":false,"statistics":true,"marketing":false'
local kinds = {
  { "accept_all", yes }, { "accept_all", yes }, { "accept_all", yes },
  { "reject_all", no }, { "reject_all", no }, { "custom", custom },
}
local started, random

function init(args)
  math.randomseed(number * 7919 + os.time())
  started = os.time() * 1000
  random = string.format("%05x%d", math.random(0, 0xfffff), number)
end

local n = 0
function request()
  n = n + 1
  local ms = started + math.floor(n / 20)
  local time = string.format("%08x-%04x", math.floor(ms / 65536), ms % 65536)
  local rest = string.format("7%03x-8%03x-%s%06x", n % 4096, math.random(0, 4095), random, n)
  local kind = kinds[n % #kinds + 1]
  local body = string.format('{"id":"%s-%s","visitor":"%s-7%s","notice":"%s","action":"%s","categories":{%s},"language":"da","method":"banner"}',
    time, rest, time, string.sub(rest, 2), notice, kind[1], kind[2])
  return wrk.format("POST", nil, { ["Content-Type"] = "text/plain;charset=UTF-8", ["Origin"] = "https://www.example.com" }, body)
end

function done(summary, latency)
  local e = summary.errors
  io.write(string.format("requests=%d us=%d p99us=%d bad=%d\n", summary.requests, summary.duration, latency:percentile(99),
    e.status + e.connect + e.read + e.write + e.timeout))
end
