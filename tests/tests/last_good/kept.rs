//! What is saved, and when.

use std::fs;

use reloadable::{Format, ParseFault, Parsed, ParsedEntry, ReadFormat, Reloader};

use super::*;

fn saved(place: &Place) -> String {
    fs::read(place.set()).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
}

async fn comes(place: &Place, config: &Reloader<App>, text: &str) {
    until(config, text, |_| saved(place).contains(text)).await;
}

#[tokio::test]
async fn the_end_waits_for_what_is_to_be_saved() -> Outcome {
    for number in 0..5 {
        let place = Place::new()?;
        place.write(&format!("workers = {number}\n"))?;
        let config = in_time(place.builder().start()).await?;
        in_time(config.shutdown()).await;
        assert!(saved(&place).contains(&format!("workers = {number}\n")), "{number}");
    }
    Ok(())
}

#[tokio::test]
async fn every_accepted_set_is_saved_and_no_other() -> Outcome {
    let place = Place::new()?;
    place.write("workers = 4\n")?;
    let config = in_time(place.builder().start()).await?;
    comes(&place, &config, "workers = 4\n").await;
    place.write("workers = 5\n")?;
    comes(&place, &config, "workers = 5\n").await;
    // The same value in other words.
    place.write("workers = 0x5\n")?;
    comes(&place, &config, "workers = 0x5\n").await;
    assert_eq!(config.snapshot().generation(), 2);

    let before = saved(&place);
    for refused in ["workers = 6000\n", "workers = \n"] {
        place.write(refused)?;
        assert!(!config.reload().await.is_in_force());
    }
    // Saves follow each other, so that one would have been before this one.
    place.write("workers = 6\n")?;
    comes(&place, &config, "workers = 6\n").await;
    assert!(before.contains("0x5") && !saved(&place).contains("6000"));

    in_time(config.rollback_to(1)).await;
    comes(&place, &config, "workers = 4\n").await;
    Ok(())
}

/// Lines of a name and a value.
struct Pairs;

static PAIRS: Pairs = Pairs;

impl ReadFormat for Pairs {
    fn name(&self) -> &'static str {
        "pairs"
    }

    fn parse(&self, text: &str) -> Result<Parsed, Vec<ParseFault>> {
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        let entries = pairs.map(|(key, value)| ParsedEntry::new(key, 0..0, Parsed::word(0..0, value)));
        Ok(Parsed::table(0..text.len(), entries))
    }
}

#[tokio::test]
async fn the_format_of_a_file_need_not_be_said_again() -> Outcome {
    let place = Place::new()?;
    let file = place.path("app.pairs");
    let builder = || {
        Reloader::<App>::builder()
            .file_as(&file, Format::custom(&PAIRS))
            .start_policy(StartPolicy::UseLastGood)
            .keep_last_good(place.last_good())
    };
    fs::write(&file, "workers 4\n")?;
    place.saved(builder()).await?;
    fs::remove_file(&file)?;
    assert_eq!(in_time(builder().start()).await?.load().workers, 4);
    Ok(())
}
