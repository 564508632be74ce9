//! `gandle export`

use super::{ExportArgs, Usage, say};
use crate::engine::export::{Format, export};

pub(super) fn run(args: &ExportArgs) -> anyhow::Result<()> {
    let names: Vec<&str> = Format::ALL.into_iter().map(Format::name).collect();
    let format = Format::ALL.into_iter().find(|format| format.name() == args.format);
    let format =
        format.ok_or_else(|| Usage(format!("there is no format `{}`; there are {}", args.format, names.join(", "))))?;
    for path in export(&args.session, format, args.step, args.out.as_deref())? {
        say!("{}", path.display());
    }
    Ok(())
}
