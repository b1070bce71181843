//! What the fuzz targets found, and what they begin with: the files in `tests/corpus`, a folder for each target.

use std::fs;
use std::path::Path;

use reloadable_tests::fuzz::TARGETS;

#[test]
fn what_holds_for_any_input_holds_for_these() {
    for (target, run) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
        let mut count = 0;
        for file in fs::read_dir(&folder).unwrap() {
            let path = file.unwrap().path();
            println!("{}", path.display());
            run(&fs::read(&path).unwrap());
            count += 1;
        }
        assert!(count > 0, "{} is empty", folder.display());
    }
}
