//! `report.html`: one page that needs nothing else, neither scripts nor network, in light and dark.

mod equation;
mod page;
mod plots;

pub use page::report_html;
