//! The report as one page that needs nothing beside it: verdicts first, then what they rest on.

use std::fmt::Write;

use super::plot::{Band, Line, Plot, escaped};
use super::record::Window;
use super::report::{CallReport, FaultReport, Report, SuiteReport};

const STYLE: &str = "\
:root{color-scheme:light dark;--ink:#1c1c1a;--paper:#fff;--soft:#6b6a66;--rule:#d9d7d0;--good:#1a7f43;--bad:#b3261e;\
--band:#b3261e22;--c0:#2457a6;--c1:#c2500f;--c2:#1a7f43;--c3:#7a3d9c;--c4:#8a6d00;--c5:#5c6670}\
@media(prefers-color-scheme:dark){:root{--ink:#ecebe6;--paper:#191918;--soft:#a3a19a;--rule:#3a3936;--good:#5fc98a;--bad:#ff8a80;\
--band:#ff8a8022;--c0:#8ab4f8;--c1:#ffab70;--c2:#5fc98a;--c3:#d0a3f0;--c4:#e3c54e;--c5:#b4bcc4}}\
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1,h2{line-height:1.2}h2{margin-top:3rem;border-top:1px solid var(--rule);padding-top:1rem}\
table{border-collapse:collapse;margin:1rem 0;display:block;overflow-x:auto}th,td{padding:.2rem .8rem .2rem 0;text-align:left}\
th{color:var(--soft);font-weight:normal;border-bottom:1px solid var(--rule)}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}\
.passed{color:var(--good)}.failed{color:var(--bad);font-weight:bold}small,figcaption{color:var(--soft)}\
figure{margin:1rem 0}svg{width:100%;height:auto}svg text{font-size:11px;fill:var(--soft)}.grid{stroke:var(--rule);stroke-width:.7}\
.line{fill:none;stroke-width:1.5}.band{fill:var(--band)}.key::before{content:'';display:inline-block;width:1em;height:.2em;\
margin:0 .4em .25em .8em;background:currentColor}\
.line.c0{stroke:var(--c0)}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}.line.c3{stroke:var(--c3)}.line.c4{stroke:var(--c4)}\
.line.c5{stroke:var(--c5)}.key.c0{color:var(--c0)}.key.c1{color:var(--c1)}.key.c2{color:var(--c2)}.key.c3{color:var(--c3)}\
.key.c4{color:var(--c4)}.key.c5{color:var(--c5)}";

/// The whole page.
pub(crate) fn of(report: &Report) -> String {
    let mut out = String::new();
    let _ = write!(
        out,
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Load on Larder</title><style>{STYLE}</style></head><body>\
         <h1>Load on Larder: {}</h1><p>{}, Larder {}, {} cores, seed {}</p>",
        verdict(report.passed),
        escaped(&report.started_at),
        escaped(report.larder_version),
        report.cores,
        report.seed
    );
    report.suites.iter().for_each(|suite| section(&mut out, suite));
    out.push_str("</body></html>\n");
    out
}

fn verdict(passed: bool) -> &'static str {
    if passed { "<span class=\"passed\">passed</span>" } else { "<span class=\"failed\">failed</span>" }
}

fn section(out: &mut String, suite: &SuiteReport) {
    let _ = write!(
        out,
        "<h2>{}: {}</h2><p>{}, at {}</p>",
        escaped(suite.suite),
        verdict(suite.passed),
        escaped(&suite.about),
        escaped(&suite.address)
    );
    criteria(out, suite);
    plots(suite).iter().for_each(|plot| out.push_str(&plot.figure()));
    faults(out, &suite.faults);
    if !suite.faults_left_out.is_empty() {
        let _ = write!(
            out,
            "<p>Not made, since there is none: {}</p>",
            escaped(&suite.faults_left_out.join(", "))
        );
    }
    calls(out, &suite.calls);
    failures(out, suite);
    if !suite.left_out.is_empty() {
        let left: Vec<String> =
            suite.left_out.iter().map(|left| format!("{} ({})", left.call.name(), left.cause)).collect();
        let _ = write!(out, "<p>Left out: {}</p>", escaped(&left.join("; ")));
    }
}

fn criteria(out: &mut String, suite: &SuiteReport) {
    out.push_str("<table><tr><th>criterion</th><th>accepted</th><th class=\"n\">found</th><th></th></tr>");
    for criterion in &suite.criteria {
        let found = criterion.found.map_or_else(
            || "not measured".to_owned(),
            |found| format!("{} {}", (found * 1_000.0).round() / 1_000.0, criterion.unit),
        );
        let _ = write!(
            out,
            "<tr><td>{}</td><td>{}</td><td class=\"n\">{}</td><td>{}</td></tr>",
            escaped(&criterion.name),
            escaped(&criterion.accepted),
            escaped(&found),
            verdict(criterion.passed)
        );
    }
    out.push_str("</table>");
}

fn plots(suite: &SuiteReport) -> Vec<Plot> {
    let length_s = suite.steps.iter().map(|step| step.length_s).sum();
    let line = |name: &str, value: &dyn Fn(&Window) -> Option<f64>| Line {
        name: name.to_owned(),
        points: suite.timeline.iter().map(|window| (window.at_s, value(window))).collect(),
    };
    let per_s = |count: u64| Some(count as f64 / suite.window_s);
    let plot = |title: &str, unit, lines| Plot {
        title: title.to_owned(),
        unit,
        length_s,
        lines,
        bands: suite.faults.iter().map(band).collect(),
    };
    let mut plots = vec![
        plot("Calls", "a second", vec![line("asked", &|window| per_s(window.counts.asked))]),
        plot(
            "Calls that went less well",
            "a second",
            vec![
                line("degraded", &|window| per_s(window.counts.degraded)),
                line("failed", &|window| per_s(window.counts.failed)),
            ],
        ),
        plot(
            "Time from when a call was due until its answer",
            "ms",
            vec![line("p50", &|window| window.p50_ms), line("p99", &|window| window.p99_ms)],
        ),
    ];
    let memory = suite.memory.iter().filter(|series| !series.samples.is_empty()).map(|series| Line {
        name: series.process.clone(),
        points: series.samples.iter().map(|(at, bytes)| (*at, Some(*bytes as f64 / 1e6))).collect(),
    });
    let memory: Vec<Line> = memory.collect();
    if !memory.is_empty() {
        plots.push(plot("Resident memory", "MB", memory));
    }
    plots
}

fn band(fault: &FaultReport) -> Band {
    Band { name: fault.fault.to_owned(), from_s: fault.from_s, to_s: fault.healed_s }
}

fn faults(out: &mut String, faults: &[FaultReport]) {
    if faults.is_empty() {
        return;
    }
    out.push_str(
        "<table><tr><th>fault</th><th class=\"n\">from</th><th class=\"n\">to</th><th class=\"n\">as before after</th>\
         <th class=\"n\">need it: failed</th><th class=\"n\">degraded</th><th class=\"n\">others: failed</th>\
         <th class=\"n\">degraded</th></tr>",
    );
    for fault in faults {
        let recovered =
            fault.recovered_after_s.map_or_else(|| "not".to_owned(), |after| format!("{after:.0} s"));
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"n\">{:.0} s</td><td class=\"n\">{:.0} s</td><td class=\"n\">{recovered}</td>\
             <td class=\"n\">{} of {}</td><td class=\"n\">{}</td><td class=\"n\">{} of {}</td><td class=\"n\">{}</td></tr>",
            escaped(fault.fault),
            fault.from_s,
            fault.healed_s,
            fault.related.failed,
            fault.related.asked,
            fault.related.degraded,
            fault.unrelated.failed,
            fault.unrelated.asked,
            fault.unrelated.degraded
        );
    }
    out.push_str("</table>");
}

fn calls(out: &mut String, calls: &[CallReport]) {
    out.push_str(
        "<table><tr><th>call</th><th class=\"n\">asked</th><th class=\"n\">failed</th><th class=\"n\">degraded</th>\
         <th class=\"n\">p50 ms</th><th class=\"n\">p99 ms</th><th class=\"n\">max ms</th></tr>",
    );
    for call in calls {
        let figure = |name: &str| call.figures[name].as_f64().unwrap_or_default();
        let _ = write!(
            out,
            "<tr><td>{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td>\
             <td class=\"n\">{:.1}</td><td class=\"n\">{:.1}</td><td class=\"n\">{:.1}</td></tr>",
            escaped(call.call),
            call.counts.asked,
            call.counts.failed,
            call.counts.degraded,
            figure("p50_ms"),
            figure("p99_ms"),
            figure("max_ms")
        );
    }
    out.push_str("</table>");
}

fn failures(out: &mut String, suite: &SuiteReport) {
    let Some(failures) = suite.figures["failures"].as_object().filter(|failures| !failures.is_empty()) else {
        return;
    };
    out.push_str("<table><tr><th>failures</th><th class=\"n\">calls</th></tr>");
    for (cause, count) in failures {
        let _ = write!(out, "<tr><td>{}</td><td class=\"n\">{count}</td></tr>", escaped(cause));
    }
    out.push_str("</table>");
}
