package styleguide

import "akashi/internal/portal/ui"

// fileProblem is the message of the file input on the page with errors, "" elsewhere.
func fileProblem(p *ui.Page) string {
	if len(p.Problems) == 0 {
		return ""
	}
	return p.Text(same("「診断書.pdf」は12MBです。10MBまでのファイルを選んでください", "The file is 12 MB. Choose a file up to 10 MB", "ファイルが {大|おお}きいです。10MBより {小|ちい}さい ファイルを えらんで ください"))
}
