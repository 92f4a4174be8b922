//! What HiGHS finds for the same program in ten seconds, through its Python package.

use std::process::Command;

use larder_nutrition::plan::LinearProgram;

const SCRIPT: &str = "
import sys, highspy
solver = highspy.Highs()
solver.setOptionValue('output_flag', False)
solver.setOptionValue('threads', 1)
solver.setOptionValue('time_limit', float(sys.argv[2]))
solver.readModel(sys.argv[1])
solver.run()
info = solver.getInfo()
print(info.objective_function_value, info.mip_dual_bound)
";

/// The objective that HiGHS found and the bound it proved, the program's constant included.
pub(crate) fn solve(python: &str, program: &LinearProgram, seconds: f64) -> Result<(f64, f64), String> {
    let file = std::env::temp_dir().join(format!("larder-plan-{}.lp", std::process::id()));
    std::fs::write(&file, program.to_lp_text()).map_err(|error| error.to_string())?;
    let run = Command::new(python).args(["-c", SCRIPT]).arg(&file).arg(seconds.to_string()).output();
    let _ = std::fs::remove_file(&file);
    let output = run.map_err(|error| format!("{python}: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers = text.split_whitespace().filter_map(|word| word.parse::<f64>().ok()).collect::<Vec<_>>();
    match numbers[..] {
        [objective, bound] => Ok((objective + program.constant(), bound + program.constant())),
        _ => Err(format!("HiGHS said {text:?} {}", String::from_utf8_lossy(&output.stderr))),
    }
}
