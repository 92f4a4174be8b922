//! Where a message goes that its channel refuses for good: the person's next way, or the channel's
//! failover, and never round in a ring.

use larder_oncall::settings::Settings;

use crate::changes::Target;

/// The next way; `None` when there is none.
pub(crate) fn next(settings: &Settings, channel: &str, recipient: &str) -> Option<Target> {
    let next_of_person = settings.contacts.values().find_map(|contact| {
        let is_this =
            |way: &&larder_oncall::settings::Reach| way.channel == channel && way.address == recipient;
        let place = contact.reach.iter().position(|way| is_this(&way))?;
        contact.reach.get(place + 1)
    });
    if let Some(way) = next_of_person.filter(|_| !recipient.is_empty()) {
        return Some(Target { channel: way.channel.clone(), recipient: way.address.clone() });
    }
    let failover = settings.channels.get(channel)?.failover.clone()?;
    Some(Target { channel: failover, recipient: String::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_persons_next_way_comes_before_the_channels_failover() {
        let settings = Settings::parse(
            r#"
            route = { receiver = "r" }
            receivers = [{ name = "r", channels = ["mail"] }]
            channels = [
                { name = "log", kind = "log" },
                { name = "spare", kind = "log" },
                { name = "mail", kind = "email", host = "h", from = "l@example.org", failover = "log" },
            ]
            contacts = [{ name = "ann", reach = [
                { channel = "mail", address = "ann@example.org" }, { channel = "spare" },
            ] }]
            "#,
        )
        .unwrap();
        let to = |channel: &str| Some(Target { channel: channel.into(), recipient: String::new() });
        assert_eq!(next(&settings, "mail", "ann@example.org"), to("spare"));
        assert_eq!(next(&settings, "mail", "ben@example.org"), to("log"));
        assert_eq!(next(&settings, "mail", ""), to("log"));
        assert_eq!(next(&settings, "log", ""), None);
        assert_eq!(next(&settings, "gone", ""), None);
    }
}
