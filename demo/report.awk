# SPDX-License-Identifier: GPL-2.0-only
#
# usage: awk -f report.awk -v kernel="Linux ..." stampede.csv >report.html
#
# Draws what "muster-demo DATABASE SECONDS" has measured: a page that needs nothing else,
# and is good XML. In two columns, without muster and with it, by time: queries that run,
# requests that wait for their answer, and the latency of each request.

BEGIN {
	FS = ","
	mode[1] = "without"
	mode[2] = "with"
	STEPS = 240			# of the curves
	W = 440; H = 150		# of a panel
	LEFT = 56; TOP = 34; GAP_X = 40; GAP_Y = 46
}

$1 == "workers" { workers = $2 }
$1 == "good_ms" { good = $2 }
NF == 5 {
	i = ++n[$1]
	start[$1, i] = $2
	end[$1, i] = $3
	query_start[$1, i] = $4
	query_end[$1, i] = $5
	worked[$1, i] = $5 > 0
	runs[$1] += $5 > 0
	latency[$1, i] = $3 - $2
	if ($3 > last)
		last = $3
	if ($3 - $2 > longest)
		longest = $3 - $2
}

# The @share-th of the latencies of that mode, which are sorted in @sorted.
function sort_latencies(m,	i, k, x) {
	# Shell's: there are some thousands.
	for (i = 1; i <= n[m]; i++)
		sorted[i] = latency[m, i]
	for (gap = int(n[m] / 2); gap > 0; gap = int(gap / 2))
		for (i = gap + 1; i <= n[m]; i++) {
			x = sorted[i]
			for (k = i - gap; k > 0 && sorted[k] > x; k -= gap)
				sorted[k + gap] = sorted[k]
			sorted[k + gap] = x
		}
}

function quantile(m, share,	i) {
	i = int(share * n[m] + 0.999)
	return sorted[i < 1 ? 1 : i]
}

# How many requests wait at each step; or how many queries run.
function count_curve(m, queries,	i, s, from, to, max) {
	for (s = 0; s <= STEPS; s++)
		curve[s] = 0
	for (i = 1; i <= n[m]; i++) {
		if (queries && !worked[m, i])
			continue
		from = int((queries ? query_start[m, i] : start[m, i]) * STEPS / last)
		to = int((queries ? query_end[m, i] : end[m, i]) * STEPS / last)
		for (s = from; s <= to; s++)
			curve[s]++
	}
	for (s = 0; s <= STEPS; s++)
		if (curve[s] > max)
			max = curve[s]
	return max + 0
}

# ---- drawing ----

function duration(us) {
	if (us >= 1000000)
		return sprintf("%.1f s", us / 1000000)
	if (us >= 10000)
		return sprintf("%.0f ms", us / 1000)
	return us >= 1000 ? sprintf("%.1f ms", us / 1000) : sprintf("%d us", us)
}

function text(x, y, class, words) {
	printf "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\">%s</text>\n", x, y, class, words
}

function grid(y, label) {
	printf "<path class=\"grid\" d=\"M%d %.1fh%d\"/>\n", x0, y, W
	text(x0 - 6, y + 4, "axis", label)
}

# A panel: its frame, and the seconds below it.
function begin_panel(column, row, title,	s, step) {
	x0 = LEFT + (column - 1) * (W + GAP_X + LEFT / 2)
	y0 = TOP + (row - 1) * (H + GAP_Y)
	printf "<g class=\"panel\" id=\"%s-%d\">\n", mode[column], row
	text(x0, y0 - 8, "title", title)
	step = last > 12000000 ? 4 : last > 6000000 ? 2 : 1
	for (s = 0; s * 1000000 <= last; s += step)
		text(x0 + W * s * 1000000 / last, y0 + H + 16, "second", s " s")
	printf "<path class=\"frame\" d=\"M%d %dh%d\"/>\n", x0, y0 + H, W
}

function draw_curve(max, class,	s, path, y, was) {
	grid(y0, max)
	grid(y0 + H / 2, max / 2)
	path = sprintf("M%d %d", x0, y0 + H)
	was = H
	for (s = 0; s <= STEPS; s++) {
		y = H - H * curve[s] / (max ? max : 1)
		if (y != was)
			path = path sprintf("H%.1fV%.1f", x0 + s * W / (STEPS + 1), y0 + y)
		was = y
	}
	path = path sprintf("H%.1fV%dz", x0 + W, y0 + H)
	printf "<path class=\"%s\" d=\"%s\"/>\n", class, path
}

# From 10 us to the longest, by powers of ten.
function latency_y(us) {
	return y0 + H - H * log(us < 10 ? 1 : us / 10) / log(decades)
}

function draw_dots(m, only_work, class,	i, path) {
	for (i = 1; i <= n[m]; i++)
		if (worked[m, i] == only_work)
			path = path sprintf("M%.1f %.1fh0", x0 + W * start[m, i] / last,
					    latency_y(latency[m, i]))
	if (path)
		printf "<path class=\"%s\" d=\"%s\"/>\n", class, path
}

function draw_latencies(m,	us) {
	for (us = 10; us <= decades * 10; us *= 10)
		grid(latency_y(us), duration(us))
	draw_dots(m, 0, "dot served")
	draw_dots(m, 1, "dot worked")
}

# ---- the page ----

function head() {
	print "<!DOCTYPE html>"
	print "<html xmlns=\"http://www.w3.org/1999/xhtml\" lang=\"en\">"
	print "<head><meta charset=\"utf-8\"/><title>A stampede, without muster and with it</title>"
	print "<style>"
	print "body { font: 15px/1.45 sans-serif; color: #222; background: #fff; max-width: 1010px; margin: 2em auto; padding: 0 1em }"
	print "table { border-collapse: collapse; margin: 1em 0 } th, td { padding: .25em 1.2em .25em 0; text-align: right } th:first-child, td:first-child { text-align: left } tr { border-bottom: 1px solid #ccc }"
	print "svg { width: 100%; height: auto } text { font: 12px sans-serif; fill: #555 } .head { font-size: 17px; font-weight: bold; fill: #222 } .title { font-size: 13px; fill: #222 } .axis { text-anchor: end } .second { text-anchor: middle }"
	print ".grid { stroke: #e2e2e2; fill: none } .frame { stroke: #888; fill: none } .work { fill: #d1495b } .wait { fill: #5b7db1 } .dot { fill: none; stroke-width: 3; stroke-linecap: round } .served { stroke: #5b7db1; stroke-opacity: .45 } .worked { stroke: #d1495b }"
	print "@media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1d } tr { border-color: #444 } text { fill: #aaa } .head, .title { fill: #ddd } .grid { stroke: #333 } }"
	print "</style></head>\n<body>"
	print "<h1>A stampede, without muster and with it</h1>"
	printf "<p>%d processes answer requests out of a cache. An answer is good for %s; then it takes a query to get a new one. ", workers, duration(good * 1000)
	print "Without muster, each that finds the answer too old runs the query, and all of them slow each other down. With <code>muster_flight_do()</code> one runs it, and the others get its answer.</p>"
}

function row(name, without, with) {
	printf "<tr><td>%s</td><td>%s</td><td>%s</td></tr>\n", name, without, with
}

function table(	m) {
	for (m in n) {
		sort_latencies(m)
		median[m] = duration(quantile(m, 0.5))
		p99[m] = duration(quantile(m, 0.99))
		worst[m] = duration(quantile(m, 1))
		most[m] = count_curve(m, 1)
		busiest = most[m] > busiest ? most[m] : busiest
		queue[m] = count_curve(m, 0)
		crowd = queue[m] > crowd ? queue[m] : crowd
	}
	print "<table>\n<tr><th></th><th>without muster</th><th>with muster</th></tr>"
	row("requests answered", n["without"], n["with"])
	row("queries run", runs["without"], runs["with"])
	row("requests for each query", sprintf("%.0f", n["without"] / runs["without"]),
	    sprintf("%.0f", n["with"] / runs["with"]))
	row("latency, median", median["without"], median["with"])
	row("latency, 99 of 100", p99["without"], p99["with"])
	row("latency, the longest", worst["without"], worst["with"])
	print "</table>"
}

function picture(	column, m) {
	for (decades = 10; decades * 10 < longest; decades *= 10)
		;
	printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"queries, waiting requests and latencies by time, without muster and with it\">\n",
		LEFT + 2 * W + GAP_X + LEFT / 2 + 16, TOP + 3 * (H + GAP_Y) + 20
	print "<g transform=\"translate(0 20)\">"
	for (column = 1; column <= 2; column++) {
		m = mode[column]
		begin_panel(column, 1, "queries that run at the same time")
		text(x0, y0 - 30, "head", m " muster")
		count_curve(m, 1)
		draw_curve(busiest, "work")
		print "</g>"
		begin_panel(column, 2, "requests that wait for their answer")
		count_curve(m, 0)
		draw_curve(crowd, "wait")
		print "</g>"
		begin_panel(column, 3, "latency of each request; red: it ran the query itself")
		draw_latencies(m)
		print "</g>"
	}
	print "</g>\n</svg>"
}

END {
	if (!runs["without"] || !runs["with"]) {
		print "report.awk: no requests, or no queries" >"/dev/stderr"
		exit 1
	}
	head()
	table()
	picture()
	printf "<p>Measured in the test VM (%s), which is emulated and so some 20 times slower than a real machine: what counts is how the two differ. <code>make report</code> measures and draws anew.</p>\n", kernel
	print "</body>\n</html>"
}
