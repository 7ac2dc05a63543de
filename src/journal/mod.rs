//! Records of calls, as JSON lines. The schema is in `docs/records.md`; fields are added, never changed.

pub mod calls;
pub mod file;
pub mod lock;
pub mod rolling;
pub mod state;

pub use calls::CallsWriter;
pub use file::WholeFile;
pub use lock::DirectoryLock;
pub use rolling::{Ending, Every, Rolling};
