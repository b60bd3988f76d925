"""Product fields from Lightspeed to Shopify: compared, proposed under a policy, written when a person has confirmed."""
