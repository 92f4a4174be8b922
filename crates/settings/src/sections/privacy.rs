//! The section `[privacy]`.

use super::section;
use crate::kind::Kind;

section! {
    /// Personal data of the tenants' customers: how long each kind is kept, and who answers for it in the documents.
    PrivacySettings = "privacy" {
        /// The name of whoever decides what the data is for; stands in the notice and the agreement.
        controller_name: Option<String> = None, Kind::Text;
        /// Their postal address.
        controller_address: Option<String> = None, Kind::Text;
        /// Where people turn to with what they want to know, corrected or erased.
        controller_contact: Option<String> = None, Kind::Text;
        /// The data protection officer's name and contact, if there is one.
        protection_officer: Option<String> = None, Kind::Text;
        /// The authority that complaints go to.
        supervisory_authority: Option<String> = None, Kind::Text;
        /// The name and address of whoever runs Larder for the controller; stands in the agreement.
        processor_name: Option<String> = None, Kind::Text;
        /// Where people turn to at the processor.
        processor_contact: Option<String> = None, Kind::Text;
        /// The others who process data on the processor's behalf, such as the host of the servers.
        sub_processors: Option<String> = None, Kind::Text;
        /// The countries in which the data is kept.
        storage_location: Option<String> = None, Kind::Text;
        /// For how many days interactions are kept, from when they happened; 0 for ever.
        interactions_days: u32 = 0, Kind::Whole(0..=36_500);
        /// For how many days it is kept what was shown to whom.
        exposures_days: u32 = 180, Kind::Whole(1..=180);
        /// For how many days measurements of bodies are kept; 0 for ever.
        body_measurements_days: u32 = 0, Kind::Whole(0..=36_500);
        /// For how many days it is kept what was eaten; 0 for ever.
        intakes_days: u32 = 0, Kind::Whole(0..=36_500);
        /// For how many days budgets are kept after their last day; 0 for ever.
        budgets_days: u32 = 0, Kind::Whole(0..=36_500);
        /// For how many days the row of a customer is kept after it was deleted, that is hidden; 0 for ever.
        deleted_customers_days: u32 = 0, Kind::Whole(0..=36_500);
    }
}
